/* SASL of login.h. */
#include "lib/net/login_parts.h"

static struct sasl_place
login_place(struct login *l)
{
	struct sasl_place	 place = { .config = l->conf,
	    .service = l->prog->service, .ip = l->conn->peer.address,
	    .stream = &l->s, .safe = l->safe, .certificate = l->certificate,
	    .authd = &l->authd };

	return place;
}

void
login_mechanisms(struct login *l, struct buf *out)
{
	struct sasl_place	 place = login_place(l);

	sasl_server_list(&place, out);
}

static enum login_outcome
login_sasl_outcome(enum sasl_end end)
{
	switch (end) {
	case SASL_END_READY:
		return LOGIN_OK;
	case SASL_END_CANCELLED:
		return LOGIN_CANCELLED;
	case SASL_END_MALFORMED:
		return LOGIN_MALFORMED;
	case SASL_END_FOREIGN:
		return LOGIN_FOREIGN;
	case SASL_END_WRONG:
		return LOGIN_WRONG;
	case SASL_END_DISABLED:
		return LOGIN_DISABLED;
	case SASL_END_LATER:
		return LOGIN_LATER;
	case SASL_END_LOST:
		break;
	}
	return LOGIN_LOST;
}

enum login_outcome
login_sasl(struct login *l, struct slice mechanism,
    const struct slice *initial, enum stream_status *status)
{
	struct sasl_place	 place = login_place(l);
	struct sasl_server	*sasl;
	enum login_outcome	 end;
	bool			 unsafe;

	*status = STREAM_OK;
	sasl = sasl_server_start(&place, mechanism, &unsafe);
	if (sasl == NULL)
		return unsafe ? LOGIN_UNSAFE : LOGIN_UNKNOWN;
	end = login_sasl_outcome(sasl_exchange(sasl, &l->s, "+ ", initial,
	    &l->session->check, status));
	if (end == LOGIN_OK)
		end = login_hand_over(l);
	if (end == LOGIN_WRONG)
		sasl_exchange_refused(sasl, &l->s, "+ ");
	sasl_server_free(sasl);
	return end;
}
