"""One module a channel: each turns a letter into one attempt, and says whether a failure is permanent.

To add a channel:

1. add its kind to ``ContactChannel`` and, if a page can go over it, to ``oncall.PAGE_CHANNELS``;
2. add its settings to ``alerting/settings.py``;
3. copy the neighbour that is nearest and give it ``send(letter)``: one attempt, with a deadline, no retries;
4. raise ``DeliveryError`` for everything that went wrong; ``uncertain`` where it may have arrived all the same;
5. take the words from ``messages``; write none of your own;
6. test it against a real server of its kind, with delays, refusals and a cut in the middle of the answer.
"""
