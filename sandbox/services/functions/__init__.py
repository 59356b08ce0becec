"""Lambda functions that really run: Python handlers in the confined processes of `sandbox.scripts`.

`responses` answers Invoke, `running` calls a handler as Lambda's runtime does, `layers` lays the files of a
function out.
"""
