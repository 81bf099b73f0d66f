select
    calendar,
    clock,
    working_day,
    day,
    {{ instant('from_us') }} as from_at,
    {{ instant('due_us') }} as due_at,
    {{ seconds('due_worked_us') }} as worked_before_seconds
from {{ ref('stg_working_day') }}
