"""Life of badge photos as people see it: who opened them and why, what keeps them longer, and the proof of their end."""
