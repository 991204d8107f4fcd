"""Trust: collects every slice's controls, runs them against the live installation, publishes what they found."""
