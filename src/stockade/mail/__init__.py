"""Mail: letters are queued by the transaction that causes them, and handed to the platform's relay by the worker."""
