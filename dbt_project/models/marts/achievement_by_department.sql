{{ achievement(['grain', 'period_start', 'period_end', 'is_complete', 'department', 'position'], "scope = 'node'") }}
