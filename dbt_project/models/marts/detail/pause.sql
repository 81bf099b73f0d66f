-- The pauses of each run as they are counted: put together where they overlap, and only inside the run.
select
    pause.run_id,
    {{ instant('pause.from_us') }} as paused_from_at,
    {{ instant('pause.to_us') }} as paused_to_at,
    pause.to_us is null as is_open,
    {{ seconds('worked.paused_us') }} as paused_seconds
from {{ ref('int_run_pause') }} as pause
left join {{ ref('int_run_pause_worked') }} as worked
    on pause.run_id = worked.run_id and pause.from_us = worked.from_us
