"""Commerce: what a distributor does all day. Each folder is one capability, whole."""
