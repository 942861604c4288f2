"""Speed of exported models, networks and the input."""
