/* Who is at the other end of a connection. */
#ifndef NET_LISTENER_PEER_H
#define NET_LISTENER_PEER_H

#include <sys/socket.h>
#include <sys/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/config.h"

struct listener_peer {
	struct sockaddr_storage	 sa;		/* AF_UNSPEC for pipes */
	struct sockaddr_storage	 local;
	char			 address[64];	/* "192.0.2.1", "2001:db8::1",
						 * "" for unix and pipes */
	uint16_t		 port;
	uid_t			 uid;		/* unix: SO_PEERCRED */
	pid_t			 pid;
	bool			 is_unix;
};

/*
 * From the socket fd itself; for pipes and files from TCPREMOTEIP and
 * TCPREMOTEPORT (UCSPI) when ucspi, else nothing is known.
 */
void	 listener_peer_of(int fd, bool ucspi, struct listener_peer *);
/*
 * Replace the peer's address, as a PROXY header names it.  The caller has
 * checked that the real peer is trusted.
 */
void	 listener_set_peer(struct listener_peer *, const struct sockaddr *);
/* Is the address inside one of the networks ("10.0.0.0/8", "::1")? */
bool	 listener_in_networks(const struct listener_peer *,
	    const struct config_list *networks);
/* IPv4-mapped IPv6 is IPv4: 16 octets of address, and whether it is IPv4. */
bool	 listener_peer_key(const struct listener_peer *, uint8_t key[16],
	    bool *v4);

#endif
