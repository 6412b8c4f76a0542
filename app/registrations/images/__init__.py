"""Life of badge photos as people see it: who opened them and why, what keeps them, and the proof of their end."""
