"""Operations: status, alarms, backup, restore, key rotation, consistency audit; doctor/ checks an installation."""
