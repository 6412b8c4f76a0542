"""The report on satisfaction: sums of five raters or more, with what cannot be known said beside what is."""
