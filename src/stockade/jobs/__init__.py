"""Jobs: enqueued inside the transaction that causes them, so that a job exists exactly if its cause was committed."""
