"""Reads of dispatch; every one takes the actor."""
