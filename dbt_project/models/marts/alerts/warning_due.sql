{%- set filters = ['scope', 'process', 'node', 'department', 'position', 'segment', 'service_level', 'location', 'priority'] %}
with run as (

    select
        *,
        {{ microseconds('started_at') }} as started_us,
        {{ microseconds('commitment_due_at') }} as commitment_due_us,
        {{ microseconds('leaves_normal_at') }} as leaves_normal_us,
        {{ microseconds('leaves_acceptable_at') }} as leaves_acceptable_us
    from {{ ref('fct_run') }}
    -- What may have moved on warns nobody.
    where is_open and state is not null and not is_provisional

),

matched as (

    select
        run.*,
        rule.rule,
        rule.alert_trigger,
        rule.lead_us
    from run
    inner join {{ ref('stg_alert_rule') }} as rule
        on
            {%- for filter in filters %}
            {{ 'and ' if not loop.first }}coalesce(rule.{{ filter }} = run.{{ filter }}, rule.{{ filter }} is null)
            {%- endfor %}

),

-- The working time left at an instant of warning is the lead.
placed as (

    select
        matched.*,
        {{ worked('matched.calendar', 'matched.commitment_due_us', 'at_due') }} - matched.lead_us as warn_target_us
    from matched
    {{ at_slot('at_due', 'matched.calendar', 'matched.commitment_due_us') }}

),

timed as (

    select
        placed.*,
        case placed.alert_trigger
            when 'left_normal' then placed.leaves_normal_us
            when 'left_acceptable' then placed.leaves_acceptable_us
            -- Not of what is due nobody knows when: the greatest of an instant and null is that instant.
            when 'before_leaving_normal'
                then case
                    when placed.commitment_due_us is not null
                        then greatest(
                            placed.started_us,
                            case
                                when placed.calendar = '24x7' then placed.warn_target_us
                                else warn_slot.instant_us + placed.warn_target_us - warn_slot.after_us
                            end
                        )
                end
        end as warn_us
    from placed
    {{ at_working_slot('warn_slot', 'placed.calendar', 'placed.warn_target_us') }}

)

select distinct
    run_id,
    rule,
    alert_trigger,
    {{ instant('warn_us') }} as warn_at,
    scope,
    process,
    process_name,
    node,
    node_name,
    work_order_id,
    visit,
    department,
    position,
    segment,
    started_at,
    leaves_normal_at,
    commitment_due_at,
    tolerance_due_at,
    work_order_url
from timed
where warn_us is not null
