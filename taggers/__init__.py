"""What is noticed: the text of a message goes in, tags with their evidence come out. Pure: no clock, no world."""
