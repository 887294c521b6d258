/* The parts of authd, made once by main() and passed around. */
#ifndef AUTHD_AUTHD_H
#define AUTHD_AUTHD_H

#include "authd/tables.h"

struct cache;
struct config;
struct delay;
struct event_base;
struct hashers;
struct ipc_server;
struct sessions;
struct spawn;

struct authd {
	const struct config	*conf;
	struct event_base	*base;
	struct ipc_server	*server;
	struct tables		 tables;
	struct hashers		*hashers;
	struct cache		*cache;
	struct delay		*delay;
	struct spawn		*spawn;
	struct sessions		*sessions;
	unsigned int		 checks;	/* not answered yet */
};

#endif
