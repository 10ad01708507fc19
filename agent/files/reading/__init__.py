"""The process in which a stranger's file is opened: nothing here runs anywhere else. It imports nothing of ours but itself."""
