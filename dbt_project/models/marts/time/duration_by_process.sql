select
    duration.process,
    coalesce(process.process_name, duration.process) as process_name,
    {{ duration_columns() }}
from {{ ref('int_duration') }} as duration
left join {{ ref('stg_process') }} as process on duration.process = process.process
where duration.scope = 'process'
