"""Reads of registrations; each takes the actor and gives what that actor may see.

Submodules are imported by name (`queries.case`, `queries.current`, `queries.queue`, `queries.scope`): the service needs
the scope alone.
"""
