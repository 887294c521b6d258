/* The parts of authd, made once by main() and passed around. */
#ifndef AUTHD_AUTHD_H
#define AUTHD_AUTHD_H

#include <sys/queue.h>

#include "authd/tables.h"

struct app_log;
struct asks;
struct buckets;
struct cache;
struct check;
struct config;
struct delay;
struct derived;
struct event_base;
struct helpers;
struct ipc_server;
struct once;
struct salts;
struct sessions;
struct spawn;

struct authd {
	const struct config	*conf;
	struct event_base	*base;
	struct ipc_server	*server;
	struct tables		 tables;
	struct helpers		*hashers;
	struct cache		*cache;
	struct delay		*delay;
	struct spawn		*spawn;
	struct sessions		*sessions;
	struct asks		*tokend, *pamd;
	struct once		*exchanges;	/* of SCRAM */
	struct once		*passes;
	struct derived		*derived;
	struct salts		*salts;
	struct app_log		*app_log;
	struct buckets		*buckets;
	unsigned int		 checks;	/* at work */
	TAILQ_HEAD(, check)	 held;		/* wrong, held back */
	unsigned int		 nheld;
};

#endif
