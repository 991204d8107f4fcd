"""The desk: what somebody who works with orders sees at once, read across the slices below."""
