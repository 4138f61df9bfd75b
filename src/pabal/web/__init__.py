"""Static sites of the hosted domains over HTTP."""
