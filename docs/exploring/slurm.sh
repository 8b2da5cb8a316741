#!/bin/sh
# An array of eight jobs: sbatch slurm.sh; when it is done: failover merge part-*.json
#SBATCH --job-name=failover-explore
#SBATCH --array=0-7
#SBATCH --cpus-per-task=1
#SBATCH --mem=64M
#SBATCH --time=00:40:00
exec failover explore . --for 30m --report "json=part-$SLURM_ARRAY_TASK_ID.json"
