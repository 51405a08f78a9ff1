#!/bin/bash
# slurm_mpi.sh - trains on several nodes in a Slurm job that may be requeued: sbatch docs/deploy/slurm_mpi.sh
# CONFIG [OPTION...]
#
# 120 seconds before the time limit, and when the job is preempted, every rank gets SIGUSR1. They write a
# checkpoint together and end with status 75. Then the job is requeued, and continues with --resume, to the
# same bits, also with another number of nodes. train.shards must be at least the number of ranks.
#SBATCH --job-name=margin
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=32
#SBATCH --mem=64G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=USR1@120

# srun does not take --cpus-per-task from the job (since Slurm 22.05). With -K1, srun would kill ranks that
# are about to end with status 75, and return the status of a kill. If a rank is lost, the others end the job
# by themselves.
status=0
srun --mpi=pmix -K0 -c "$SLURM_CPUS_PER_TASK" margin-mpi train "$@" --resume || status=$?

[ $status = 75 ] || exit $status
scontrol requeue "$SLURM_JOB_ID"
