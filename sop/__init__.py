"""What follows: stages and moves, steps and due times, wording and proof. Pure: `now` and plain values come in."""
