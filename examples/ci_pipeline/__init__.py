"""A simplified CI service, run in pure Python (`before`) and with its heavy steps in Go (`after`).

Read `pipeline` first (the business logic, shared), then `before` and `after` side by side (what
moved). `__main__` runs both against an artifact server (`server`) and makes the outputs; the rest
is the demo's stage: `publish` prepares real inputs, `telemetry` and `receiver` carry the trace,
`compare` judges the results, `outputs` writes them.
"""
