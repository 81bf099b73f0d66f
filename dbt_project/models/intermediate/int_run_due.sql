-- Deadlines: the earliest instant at which the working time reaches a limit; and the latest at which it still equals
-- it, when the run leaves the state.
{%- set limits = ['commitment', 'tolerance'] %}
select
    run.*
    {%- for limit in limits %},
    case
        when run.{{ limit }}_limit_us = 0 and run.is_committed then run.started_us
        when run.calendar = '24x7' then run.{{ limit }}_target_us
        else {{ limit }}_slot.instant_us + run.{{ limit }}_target_us - {{ limit }}_slot.after_us
    end as {{ limit }}_due_us,
    case
        when run.calendar = '24x7' then run.{{ limit }}_left_target_us
        when run.{{ limit }}_left_target_us = run.{{ limit }}_target_us
            then {{ left_at('run.' ~ limit ~ '_target_us', limit ~ '_slot') }}
        else {{ left_at('run.' ~ limit ~ '_left_target_us', limit ~ '_left_slot') }}
    end as {{ limit }}_left_us
    {%- endfor %}
from {{ ref('int_run_elapsed') }} as run
{%- for limit in limits %}
{{ at_working_slot(limit ~ '_slot', 'run.calendar', 'run.' ~ limit ~ '_target_us') }}
-- Pauses that begin as the limit is reached: few runs need a second look-up.
{{ at_working_slot(
    limit ~ '_left_slot',
    'case when run.' ~ limit ~ '_left_target_us is distinct from run.' ~ limit ~ '_target_us then run.calendar end',
    'run.' ~ limit ~ '_left_target_us'
) }}
{%- endfor %}
