/// Calls a macro with every typed header.
macro_rules! all_headers {
    ($call:ident) => {
        $call! {
            Accept AcceptEncoding AcceptLanguage AlertInfo Allow AllowEvents AuthenticationInfo
            Authorization CSeq CallId CallInfo Contact ContentDisposition ContentEncoding ContentId
            ContentLanguage ContentLength ContentType Date Diversion ErrorInfo Event Expires
            FlowTimer From Geolocation GeolocationError GeolocationRouting HistoryInfo Identity
            IdentityInfo InReplyTo InfoPackage Join MaxForwards MimeVersion MinExpires MinSe
            Organization PAccessNetworkInfo PAssertedIdentity PAssociatedUri PCalledPartyId
            PEarlyMedia PPreferredIdentity Path Priority Privacy ProxyAuthenticate
            ProxyAuthenticationInfo ProxyAuthorization ProxyRequire RAck RSeq Reason RecordRoute
            RecvInfo ReferSub ReferTo ReferredBy RemotePartyId Replaces ReplyTo Require RetryAfter
            Route Server ServiceRoute SessionExpires SipEtag SipIfMatch Subject SubscriptionState
            Supported TargetDialog Timestamp To Unsupported UserAgent Via Warning WwwAuthenticate
        }
    };
}
