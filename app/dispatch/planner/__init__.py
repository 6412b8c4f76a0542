"""The planner of the week: from a snapshot of tickets, people and free half days to a proposal, and nothing more.

`snapshot` is the whole input as plain values, `cost` says what a plan costs, `greedy` makes a first plan, `model` asks
CP-SAT for a better one with a bound, `split` cuts the country into parts and adds the bounds up. None of them knows
the database, the clock or a request: the same snapshot gives the same plan. `load` makes the snapshot with the one
rule engine, `process` solves it in a process of its own.
"""
