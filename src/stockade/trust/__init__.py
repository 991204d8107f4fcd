"""Trust: collects the controls of every slice, runs them against the live installation, and publishes what they found."""
