-- Nothing is lost between landing and the gate.
select *
from {{ ref('batch_reconciliation') }}
where pulled <> accepted + quarantined + duplicates + held
