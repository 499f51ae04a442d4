#!/usr/bin/env bash
# Starts a SLURM of one node on this machine, for `make test-cluster`, in the folder $1; `stop` ends it.
# Installs Debian's slurm-wlm and munge where the user may; else says what is missing and ends with 3.
set -euo pipefail

folder=${1:?a folder for its state, configuration and logs}
export SLURM_CONF=$folder/slurm.conf

if [ "${2:-}" = stop ]; then
  for name in slurmd slurmctld munged; do
    [ -f "$folder/$name.pid" ] && kill "$(cat "$folder/$name.pid")" 2>/dev/null || true
  done
  exit 0
fi

if [ "$(id -u)" -ne 0 ]; then
  echo "A SLURM of one node is started by root only; run this as root, or in a container." >&2
  exit 3
fi
export PATH=$PATH:/usr/sbin
if ! command -v slurmctld >/dev/null || ! command -v munged >/dev/null; then
  if ! command -v apt-get >/dev/null; then
    echo "slurmctld and munged are missing, and there is no apt-get here; install SLURM and munge." >&2
    exit 3
  fi
  echo "Installing slurm-wlm and munge"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
fi

mkdir -p "$folder"/{state,spool}
node=$(hostname -s)
memory=$(awk '/MemTotal/ { print int($2 / 1024 * 0.9) }' /proc/meminfo)
cat > "$SLURM_CONF" <<CONF
ClusterName=one
SlurmctldHost=$node
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
SlurmctldPort=${SLURM_PORT:-16817}
SlurmdPort=$((${SLURM_PORT:-16817} + 1))
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
KillWait=5
NodeName=$node CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$node Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES
CONF
# munge wants its files to belong to who runs it, in folders that no other may write in.
chmod 755 "$folder"
head -c 1024 /dev/urandom > "$folder/munge.key"
chmod 400 "$folder/munge.key"
munged --force --socket "$folder/munge.socket" --key-file "$folder/munge.key" \
  --pid-file "$folder/munged.pid" --log-file "$folder/munged.log" --seed-file "$folder/munge.seed"
slurmctld -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF"
for _ in $(seq 60); do
  sinfo --noheader --format %T 2>/dev/null | grep -q idle && exit 0
  sleep 0.5
done
echo "SLURM did not start; see $folder/slurmctld.log and $folder/slurmd.log." >&2
exit 1
