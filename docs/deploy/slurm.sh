#!/bin/bash
# slurm.sh - trains in a Slurm job that may be requeued: sbatch docs/deploy/slurm.sh CONFIG [OPTION...]
#
# 90 seconds before the time limit, and when the job is preempted, margin gets SIGUSR1. It writes a checkpoint
# and ends with status 75. Then the job is requeued, and continues with --resume, to the same bits.
#SBATCH --job-name=margin
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@90

margin train "$@" --resume &
run=$!
trap 'kill -USR1 $run' USR1 TERM

# A trapped signal ends `wait` before margin has ended.
status=0
wait $run || status=$?
while kill -0 $run 2>/dev/null; do
    wait $run && status=0 || status=$?
done
wait $run && status=0 || status=$?

[ $status = 75 ] || exit $status
scontrol requeue "$SLURM_JOB_ID"
