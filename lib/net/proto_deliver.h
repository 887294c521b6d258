/*
 * queue-runner and a delivery worker (deliver -w): one job a packet with the
 * message's descriptor, one answer each, in order.  Fields in
 * doc/protocols.md.
 */
#ifndef NET_PROTO_DELIVER_H
#define NET_PROTO_DELIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/ipc.h"
#include "lib/mail/message.h"
#include "lib/net/proto_auth.h"

struct deliver_job {
	char		 id[SPOOL_ID_LEN + 1];
	unsigned int	 number;	/* of the recipient */
	bool		 again;		/* may have been delivered before */
	int64_t		 arrived;
	char		 sender[ADDRESS_MAX + 1];	/* "": null */
	char		 recipient[ADDRESS_MAX + 1];	/* Delivered-To */
	char		 user[AUTH_USER_MAX + 1];
	char		 home[AUTH_HOME_MAX];
	uint64_t	 quota_octets, quota_count;
	uint64_t	 offset, len;	/* of the message in the file */
	uint64_t	 utf8;		/* 1: SMTPUTF8 message (forwards) */
	int		 fd;		/* sender keeps its own */
};

struct deliver_result {
	char			 id[SPOOL_ID_LEN + 1];
	unsigned int		 number;
	enum mail_verdict	 verdict;
	char			 code[12];	/* "2.0.0", "4.2.2" */
	char			 text[512];	/* for a person, one line */
};

/*
 * Encoders begin the packet.  Decoders return 0, or -1 with errno EBADMSG
 * and no descriptor kept; after get_job the descriptor is the caller's.
 */
void	 proto_deliver_put_job(struct ipc_msg *, uint64_t id,
	    const struct deliver_job *);
int	 proto_deliver_get_job(struct ipc_msg *, struct deliver_job *);
void	 proto_deliver_put_result(struct ipc_msg *, uint64_t id,
	    const struct deliver_result *);
int	 proto_deliver_get_result(struct ipc_msg *, struct deliver_result *);

#endif
