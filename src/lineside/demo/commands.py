"""The orders that a simulated plant takes while it runs: "PLC02 hang", "KRCWO12ELOA101 fault"."""

from __future__ import annotations

from collections.abc import Mapping

from lineside.core.model import CpuState
from lineside.demo.behaviour import Activity
from lineside.demo.plant import CannotServe, SimulatedPlant
from lineside.drivers.melsec.simulator import FaultKind

HELP = """\
PLC orders, as in "PLC02 hang":
  hang       takes requests, never answers        off      power off: the port closes
  delay      answers 0.4 s late                   stop     CPU to STOP: data stands still
  close      closes the connection                pause    CPU to PAUSE
  reset      resets the connection                freeze   answers, data stands still, says RUN
  truncate   sends a part of the answer           stale    sends the previous answer first
  garbage    answers with bytes of no meaning     duplicate  sends every answer twice
  end_code   refuses every request                ok       all well again
Machine orders, as in "KRCWO12ELOA101 fault":
  fault   stop   idle   run                       stays so until told otherwise
  auto                                            back to its own life
Others:
  list       what listens and what is switched    help     this text
  quit       end"""

_ACTIVITY: Mapping[str, Activity] = {
    "fault": Activity.FAULTED,
    "stop": Activity.HALTED,
    "idle": Activity.WAITING,
    "run": Activity.RUNNING,
}
_CPU_STATE: Mapping[str, CpuState] = {
    "stop": CpuState.STOP,
    "pause": CpuState.PAUSE,
    "run": CpuState.RUN,
}
_PLC_ORDERS = (*(kind.value for kind in FaultKind), *_CPU_STATE, "off", "on", "ok")
_MACHINE_ORDERS = (*_ACTIVITY, "auto")


async def obey(plant: SimulatedPlant, order: str) -> str | None:
    """Carry out one order.

    Returns:
        What to tell who gave it, empty for an empty line; None for the order to end.
    """
    words = order.split()
    if not words:
        return ""
    if len(words) == 1:
        return _single_word(plant, words[0].lower())
    subject, verb = words[0], words[1].lower()
    plcs = {plc_id.lower(): plc_id for plc_id in plant.plcs}
    codes = {equipment.code.lower(): equipment.code for equipment in plant.equipment}
    if len(words) == 2 and subject.lower() in plcs:
        return await _order_plc(plant, plcs[subject.lower()], verb)
    if len(words) == 2 and subject.lower() in codes:
        return _order_machine(plant, codes[subject.lower()], verb)
    if len(words) > 2:
        return f'not understood: "{order.strip()}"; an order is two words, as in "PLC02 hang"'
    return f"there is no PLC or machine {subject} here; list shows what there is"


def _single_word(plant: SimulatedPlant, word: str) -> str | None:
    if word in {"quit", "exit", "q"}:
        return None
    if word in {"help", "?", "h"}:
        return HELP
    if word in {"list", "ls"}:
        return _overview(plant)
    return f'not understood: "{word}"; help lists the orders'


async def _order_plc(plant: SimulatedPlant, plc_id: str, verb: str) -> str:
    if verb in {"ok", "on"}:
        try:
            await plant.heal(plc_id)
        except CannotServe as error:
            return str(error)
    elif verb == "off":
        await plant.switch_off(plc_id)
    elif verb in _CPU_STATE:
        plant.set_cpu_state(plc_id, _CPU_STATE[verb])
    elif verb in {kind.value for kind in FaultKind}:
        plant.fault(plc_id, verb)
    else:
        return f'{plc_id} cannot "{verb}"; it can {", ".join(_PLC_ORDERS)}'
    return f"{plc_id}: {_plc_text(plant, plc_id)}"


def _order_machine(plant: SimulatedPlant, code: str, verb: str) -> str:
    if verb == "auto":
        plant.release(code)
        return f"{code}: lives its own life"
    if verb not in _ACTIVITY:
        return f'{code} cannot "{verb}"; it can {", ".join(_MACHINE_ORDERS)}'
    plant.hold(code, _ACTIVITY[verb])
    return f'{code}: {verb}, until "{code} auto"'


def _overview(plant: SimulatedPlant) -> str:
    lines = []
    for plc_id in plant.plcs:
        codes = [e.code for e in plant.equipment if e.plc_id == plc_id]
        lines.append(f"{plc_id} port {plant.ports[plc_id]}: {_plc_text(plant, plc_id)}")
        lines += [f"  {code}" for code in codes]
    return "\n".join(lines)


def _plc_text(plant: SimulatedPlant, plc_id: str) -> str:
    simulator = plant.simulator(plc_id)
    if not plant.is_on(plc_id):
        return "off"
    if simulator.fault is not None:
        return simulator.fault.kind.value
    return "ok" if simulator.cpu_state is CpuState.RUN else f"CPU {simulator.cpu_state.upper()}"
