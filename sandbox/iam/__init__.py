"""IAM as AWS evaluates it: policy documents, conditions, and what a call needs."""
