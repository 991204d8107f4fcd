"""The faces: API, admin panel, command line. They compose what the slices offer, and decide nothing."""
