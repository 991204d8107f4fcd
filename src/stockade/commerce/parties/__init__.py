"""Parties: the distributor's company and its customers, with contacts and addresses."""
