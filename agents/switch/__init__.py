"""The switch: what makes, moves and ends calls. Which one it is, the settings say."""
