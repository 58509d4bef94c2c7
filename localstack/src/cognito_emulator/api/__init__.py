"""The AWS API: POST / with X-Amz-Target, judged by a chain of rules, then passed to MiniStack.

A rule is one class with one method (`rule.py`); `front.py` lists them in order.
"""
