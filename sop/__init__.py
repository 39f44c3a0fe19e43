"""SOPs: stages and moves, steps and due times, wording and proof of sending; pure, with `now` handed in."""
