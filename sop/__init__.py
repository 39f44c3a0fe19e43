"""What follows: stages and moves, steps and due times, wording and proof; pure, with `now` handed in."""
