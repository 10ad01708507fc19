/** A chat made of Vue's own elements: what `useChat` gives, and nothing else. */
import { createClient } from "@frontdesk/client";
import { useChat } from "@frontdesk/vue";
import { computed, createApp, defineComponent, ref } from "vue";

/** Signs in to the demo. In your product this returns the token that your page has already. */
async function token(): Promise<string> {
  const body = JSON.stringify({ tenant: "aurora", user: "owner" });
  const response = await fetch("/demo/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
  });
  return ((await response.json()) as { token: string }).token;
}

const chat = createClient({ url: "", token }).chat({
  actions: {
    change_theme: (theme) => (document.documentElement.style.colorScheme = theme === "system" ? "light dark" : theme),
  },
});

const Composer = defineComponent({
  props: { label: { type: String, required: true }, text: { type: String, default: "" } },
  emits: { send: (_text: string) => true },
  setup(props, { emit }) {
    const draft = ref(props.text);
    const submit = () => {
      const text = draft.value.trim();
      draft.value = "";
      if (text) emit("send", text);
    };
    return { draft, submit };
  },
  template: `
    <form @submit.prevent="submit">
      <input v-model="draft" :aria-label="label" />
      <button>Send</button>
      <slot />
    </form>`,
});

const Conversation = defineComponent({
  components: { Composer },
  setup() {
    const shown = useChat(chat);
    const isBusy = computed(() => shown.phase.value !== "idle");
    /** The id of the user's message that is being edited. */
    const edited = ref<string | null>(null);
    const change = (messageId: string, text: string) => {
      edited.value = null;
      void shown.edit(messageId, text);
    };
    return { ...shown, isBusy, edited, change };
  },
  template: `
    <h1>Frontdesk in Vue</h1>
    <section role="log" aria-label="Conversation" :aria-busy="isBusy">
      <template v-for="message in messages" :key="message.id">
        <Composer
          v-if="edited === message.id"
          label="Edit the message"
          :text="message.text"
          @send="change(message.id, $event)"
        />
        <article v-else :class="message.role">
          <p>{{ message.text }}</p>
          <template v-for="call in message.toolCalls" :key="call.id">
            <p v-if="call.status === 'running'">Looking up {{ call.name.replaceAll("_", " ") }} …</p>
          </template>
          <button v-if="!isBusy && message.role === 'user'" @click="edited = message.id">Edit</button>
          <button v-if="!isBusy && message.role === 'assistant'" @click="regenerate(message.id)">Answer again</button>
        </article>
      </template>
    </section>
    <p v-if="error" role="alert">
      {{ error.message }} <button v-if="error.recoverable" @click="retry()">Try again</button>
    </p>
    <menu>
      <li v-for="question in suggestions" :key="question" style="display: contents">
        <button @click="send(question)">{{ question }}</button>
      </li>
    </menu>
    <Composer label="Message" @send="send">
      <button v-if="isBusy" type="button" @click="stop()">Stop</button>
    </Composer>`,
});

createApp(Conversation).mount("#app");
