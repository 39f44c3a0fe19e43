"""Operations: status, alarms, backup, restore, key rotation, the consistency audit. Checks of a new installation live in doctor/."""
