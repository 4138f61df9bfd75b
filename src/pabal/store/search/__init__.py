"""An index that finds substrings of mail: what is in it and how it is asked."""
