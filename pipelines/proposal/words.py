"""The words by which columns and states are recognised, in several languages; each list the surest first."""

from __future__ import annotations

import re
from collections.abc import Sequence


def _list(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in text.split(","))


# --- names of columns: words one after the other, as `words_of` gives them ---------------------------------------

WORK_ORDER = _list(
    """
    case concept name, work order, workorder, case, ticket, incident, order, claim, complaint, declaration, request,
    job, dossier, vorgang, auftrag, fall, pedido, caso, commande, demande, ordine, pratica, zaak, melding, aanvraag,
    工单, 订单, 单号, number, no, nr, nummer, numero, id
    """
)
# Whoever or whatever a work order concerns is not the work order.
OTHER_PARTIES = frozenset(
    _list(
        """
        account, agent, caller, client, cliente, contact, customer, employee, fournisseur, item, klant, kunde,
        mitarbeiter, parent, party, payment, person, problem, product, resource, review, seller, staff, supplier,
        user, usuario, vendor, 客户
        """
    )
)
IDENTIFIES = frozenset(_list("code, id, instance, key, no, nr, num, number, numero, nummer, ref, uid, uuid, 号, 编号"))
DESCRIBES = frozenset(
    _list("category, comment, count, description, label, name, reason, state, status, subject, text, title, type")
)

ACTIVITY = _list(
    """
    concept name, activity, task, step, event, action, stage, phase, node, operation, milestone, tätigkeit,
    aktivität, schritt, aufgabe, actividad, tarea, paso, activité, étape, attività, fase, stap, activiteit, 环节, 节点,
    步骤, 活动
    """
)
STATUS = _list(
    "status, state, result, outcome, zustand, stand, ergebnis, estado, statut, état, stato, esito, toestand, 状态"
)
LIFECYCLE = _list("lifecycle transition, lifecycle, transition, event type, eventtype")
PROCESS = _list("process, process name, workflow, prozess, proceso, processus, 流程")

START = _list(
    """
    start timestamp, started, start, startdate, begin, begun, began, beginning, opened, open, from, since, created,
    creation, received, submitted, purchase, reported, registered, entered, von, beginn, begonnen, eröffnet, seit,
    inicio, apertura, début, ouvert, ouverture, inizio, aperto, begin, geopend, 开始, 创建
    """
)
END = _list(
    """
    ended, end, enddate, finished, finish, completed, complete, completion, closed, close, done, resolved, until,
    to, delivered, answered, answer, paid, left, bis, ende, beendet, geschlossen, erledigt, fertig, abgeschlossen,
    fin, cierre, terminado, fermé, clôture, terminé, fine, chiuso, chiusura, einde, gesloten, afgesloten, 结束, 完成,
    关闭
    """
)
AT = _list(
    """
    time timestamp, timestamp, event time, occurred, happened, logged, at, datetime, time, date, zeitpunkt, zeit,
    datum, fecha, heure, ora, data, tijd, 时间
    """
)
PROMISED = _list(
    """
    promised, promise, due, deadline, target, estimated, expected, planned, limit, commitment, fällig, faellig,
    frist, zugesagt, soll, vencimiento, plazo, échéance, prévu, scadenza, previsto, vervaldatum, beloofd, 承诺, 期限
    """
)
CHANGED = _list(
    """
    updated, modified, changed, change, last update, lastmodified, modification, mtime, geändert, geaendert,
    änderung, modificado, actualizado, modifié, modificato, gewijzigd, 更新, 修改
    """
)
QUALIFIERS = {
    "priority": _list(
        """
        priority, prio, seriousness, severity, urgency, impact, priorität, dringlichkeit, prioridad, priorité,
        priorità, prioriteit, 优先级
        """
    ),
    "segment": _list(
        """
        segment, customer class, customer segment, customer type, class, tier, kundengruppe, kundenklasse, segmento,
        klasse, 客户等级
        """
    ),
    "service_level": _list(
        "service level, servicelevel, sla level, sla class, service, contract, plan, tarif, 服务等级"
    ),
    "location": _list(
        """
        neighborhood, neighbourhood, district, region, location, site, city, country, area, branch, standort, ort,
        bezirk, ubicación, ciudad, provincia, ville, sede, città, locatie, plaats, 地区, 区域
        """
    ),
    "department": _list(
        """
        department, dept, assignment group, org group, workgroup, team, group, division, organizational entity,
        section, queue, abteilung, bereich, departamento, service responsable, reparto, afdeling, 部门
        """
    ),
    "position": _list("org role, position, role, job title, rolle, funktion, puesto, poste, ruolo, functie, 岗位"),
    "resource": _list(
        """
        org resource, resource, assigned to, assignee, agent, handler, operator, crew, technician, employee, changed
        by, updated by, user, responsible, bearbeiter, recurso, ressource, risorsa, medewerker, 处理人
        """
    ),
    "customer_id": _list(
        """
        customer id, customer no, customer, client, caller, requester, account, kundennummer, kunde, cliente, klant,
        客户
        """
    ),
}
PAUSES = _list(
    """
    pause, pauses, paused, wait, waits, waiting, hold, holds, on hold, suspension, suspended, suspend,
    unterbrechung, wartezeit, pausa, pausas, attente, attesa, wacht, 暂停, 等待
    """
)

# --- words of a status: stems, looked for at the beginning of each word -------------------------------------------

CANCELLED = _list(
    """
    cancel, void, withdr, abort, abandon, revoke, annul, storn, abgebroch, zurückgezog, anulad, ingetrok, geannul,
    unavail, discard, deleted, duplicate, 取消, 撤, 作废
    """
)
COMPLETED = _list(
    """
    done, close, complet, finish, resolv, deliver, paid, approv, solved, fixed, ended, success, fulfil, settled,
    handled, shut, reject, declin, denied, abgeschloss, erledigt, fertig, geschloss, beendet, cerrad, finaliz,
    termin, fermé, clos, chius, gesloten, afgerond, voltooid, concluded, 完成, 关闭, 结束, 已解决
    """
)
IN_PROGRESS = _list(
    """
    open, new, active, progress, work, pending, wait, await, assign, start, running, hold, queue, schedul, accept,
    process, created, invoic, ship, register, draft, submit, suspend, planned, ongoing, offen, bearbeitung, neu,
    warte, läuft, ouvert, cours, abiert, curso, pendient, apert, corso, lopend, nieuw, 进行, 处理, 待, 新
    """
)
# In a log these name a condition that lasts; what is none of them is something that was done.
LASTS = _list(
    """
    open, new, active, progress, work, pending, wait, await, assigned, running, hold, queue, accepted, resolved,
    closed, offen, bearbeitung, neu, warte, läuft, ouvert, cours, abiert, curso, pendient, apert, corso, lopend,
    nieuw, 进行, 处理中, 待
    """
)
WAITS = _list("wait, await, pending, hold, suspend, warte, pendient, attente, attesa, wacht, 等待, 暂停")
WHOM_WE_WAIT_FOR = _list(
    "customer, client, user, caller, requester, kunde, cliente, klant, information, info, hold, suspend, 客户"
)

# A text for nothing; NA is not among them: it is a word, and Namibia's code.
NULL_MARKERS = ("?", "NULL", "null", "(null)", "N/A", "n/a", "#N/A", "\\N", "-", "--", "None", "nan", "NaN", "(empty)")

# Lower case, as the XES standard names them.
XES_TRANSITIONS = frozenset(
    _list(
        """
        abort_activity, abort_case, assign, ate_abort, autoskip, complete, manualskip, pi_abort, reassign, resume,
        schedule, start, suspend, unknown, withdraw
        """
    )
)


def words_of(name: str) -> list[str]:
    """The words of a column's name in small letters; ``case:`` before an attribute of XES is none."""
    if name.lower() != "case:concept:name":
        name = re.sub(r"^(case:|\(case\)[_ ]?)", "", name, flags=re.IGNORECASE)
    return re.findall(r"[^\W_]+", re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).lower())


def rank(name: str, phrases: Sequence[str]) -> int | None:
    """How sure a name is to mean what the phrases mean, 0 is the surest; None: it does not."""
    text = f" {' '.join(words_of(name))} "
    return next((at for at, phrase in enumerate(phrases) if f" {phrase} " in text), None)


def begins_with(text: str, stems: Sequence[str]) -> bool:
    """Whether a word of a text begins with one of the stems; of languages without spaces, whether one is in it."""
    words = re.findall(r"[^\W_]+", re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text).lower())
    return any(word.startswith(stem) or (not stem.isascii() and stem in word) for word in words for stem in stems)


def status_of(word: str) -> str | None:
    """Our status for a word of theirs, if the lists know it."""
    # "Not completed" and "reopened" say the contrary of the word within them.
    if re.search(r"\b(not|un|in|re)[ _-]?(complet|clos|open|finish|resolv|paid)", word.lower()):
        return "in_progress"
    for status, stems in (("cancelled", CANCELLED), ("in_progress", IN_PROGRESS), ("completed", COMPLETED)):
        if begins_with(word, stems):
            return status
    return None
