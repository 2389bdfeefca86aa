"""One module a channel: each turns a message into one attempt and says whether a failure is permanent."""
