"""Reads; each takes the actor and returns what that actor may see."""
