"""An AWS of its own for trials and tests: the AWS wire protocol, IAM enforced, Automation documents executed.

A process apart, reached by its endpoint URL only. Built on moto's server; knows nothing of the portal.
"""
