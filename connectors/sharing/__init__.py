"""Sharing by contract: views and roles, topics, forwarding, and the audit of all of it."""
