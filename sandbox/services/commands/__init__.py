"""Run Command on moto's instances, which run nothing: what a command gives is scripted, or is success.

`responses` answers the API, `results` keeps what commands give, and `control` lets an account's root say so.
"""
